# Create job
curl -X POST http://localhost:8000/api/v1/jobs \
  -H "X-API-Key: your-api-key-here" \
  -H "Content-Type: application/json" \
  -d '{
    "mode": "profile",
    "value": "khaby.lame",
    "limit": 50,
    "no_watermark": true
  }'
