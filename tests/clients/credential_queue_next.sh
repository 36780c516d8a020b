curl -X GET "http://localhost:5000/api/scraper-credentials/queue/linkedin/next?session_id=scraper-001" \
  -H "X-Scraper-API-Key: sk_live_abc123"
