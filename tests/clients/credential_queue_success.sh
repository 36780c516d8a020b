curl -X POST "http://localhost:5000/api/scraper-credentials/queue/1/success" \
  -H "X-Scraper-API-Key: sk_live_abc123"
