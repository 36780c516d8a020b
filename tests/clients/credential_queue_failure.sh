curl -X POST "http://localhost:5000/api/scraper-credentials/queue/1/failure" \
  -H "X-Scraper-API-Key: sk_live_abc123" \
  -H "Content-Type: application/json" \
  -d '{"error_message": "Account locked by LinkedIn"}'
