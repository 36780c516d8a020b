curl https://api.selextract.com/tasks/task_uuid_here/download \
  -H "Authorization: Bearer sk_prod_your_api_key_here" \
  -o results.json
