const ws = new WebSocket('ws://localhost:8000/ws/jobs/{job_id}?api_key=your-api-key-here');
ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  console.log('Progress:', data.progress);
};
