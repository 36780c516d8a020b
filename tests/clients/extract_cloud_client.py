import requests

class SelextractClient:
    def __init__(self, api_key, base_url="https://api.selextract.com"):
        self.api_key = api_key
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers.update({
            'Authorization': f'Bearer {api_key}',
            'Content-Type': 'application/json'
        })
    
    def create_task(self, name, task_type, config, description=None):
        """Create a new scraping task."""
        data = {
            'name': name,
            'task_type': task_type,
            'config': config
        }
        if description:
            data['description'] = description
            
        response = self.session.post(f'{self.base_url}/tasks', json=data)
        response.raise_for_status()
        return response.json()
    
    def get_task(self, task_id):
        """Get task details."""
        response = self.session.get(f'{self.base_url}/tasks/{task_id}')
        response.raise_for_status()
        return response.json()
    
    def download_results(self, task_id, filename=None):
        """Download task results."""
        response = self.session.get(f'{self.base_url}/tasks/{task_id}/download')
        response.raise_for_status()
        
        if filename:
            with open(filename, 'wb') as f:
                f.write(response.content)
        return response.content

# Usage example
client = SelextractClient('sk_prod_your_api_key_here')

# Create a simple scraping task
task = client.create_task(
    name="Extract product prices",
    task_type="simple_scraping",
    config={
        "urls": ["https://example-store.com/products"],
        "selectors": {
            "title": ".product-title",
            "price": ".price",
            "rating": ".rating"
        },
        "output_format": "json"
    }
)

print(f"Task created: {task['id']}")

# Check task status
task_details = client.get_task(task['id'])
print(f"Status: {task_details['status']}")

# Download results when complete
if task_details['status'] == 'completed':
    results = client.download_results(task['id'], 'results.json')
    print("Results downloaded successfully")
