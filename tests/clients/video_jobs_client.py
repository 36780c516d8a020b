import requests

API_URL = "http://localhost:8000/api/v1"
HEADERS = {"X-API-Key": "your-api-key-here"}

# Create job
response = requests.post(f"{API_URL}/jobs", headers=HEADERS, json={
    "mode": "profile",
    "value": "khaby.lame",
    "limit": 50,
    "no_watermark": True
})
job = response.json()
job_id = job["id"]

# Check status
response = requests.get(f"{API_URL}/jobs/{job_id}", headers=HEADERS)
status = response.json()
print(f"Progress: {status['job']['progress']}%")
