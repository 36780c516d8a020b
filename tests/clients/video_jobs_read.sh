# Get job status
curl -H "X-API-Key: your-api-key-here" http://localhost:8000/api/v1/jobs/{job_id}

# List videos
curl -H "X-API-Key: your-api-key-here" "http://localhost:8000/api/v1/videos?mode=profile&value=khaby.lame&limit=20"
