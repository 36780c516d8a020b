curl -X POST https://api.selextract.com/tasks \
  -H "Authorization: Bearer sk_prod_your_api_key_here" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Extract product data",
    "task_type": "simple_scraping",
    "config": {
      "urls": ["https://example.com/products"],
      "selectors": {
        "title": "h1.product-title",
        "price": ".price"
      },
      "output_format": "json"
    }
  }'
