curl -X POST "http://localhost:5000/api/scraper-credentials/queue/1/release" \
  -H "X-Scraper-API-Key: sk_live_abc123"
