(async () => {
const API_URL = "http://localhost:8000/api/v1";

// Create job
const response = await fetch(`${API_URL}/jobs`, {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-API-Key": "your-api-key-here" },
  body: JSON.stringify({
    mode: "profile",
    value: "khaby.lame",
    limit: 50,
    no_watermark: true
  })
});
const job = await response.json();

// Check status
const statusResponse = await fetch(`${API_URL}/jobs/${job.id}`, { headers: { "X-API-Key": "your-api-key-here" } });
const status = await statusResponse.json();
console.log(`Progress: ${status.job.progress}%`);
})();
