class SelextractClient {
    constructor(apiKey, baseUrl = 'https://api.selextract.com') {
        this.apiKey = apiKey;
        this.baseUrl = baseUrl;
    }

    async request(method, endpoint, data = null) {
        const url = `${this.baseUrl}${endpoint}`;
        const options = {
            method,
            headers: {
                'Authorization': `Bearer ${this.apiKey}`,
                'Content-Type': 'application/json'
            }
        };

        if (data) {
            options.body = JSON.stringify(data);
        }

        const response = await fetch(url, options);
        
        if (!response.ok) {
            throw new Error(`API request failed: ${response.status}`);
        }

        return response.json();
    }

    async createTask(name, taskType, config, description = null) {
        const data = { name, task_type: taskType, config };
        if (description) data.description = description;
        
        return this.request('POST', '/tasks', data);
    }

    async getTask(taskId) {
        return this.request('GET', `/tasks/${taskId}`);
    }

    async listTasks(filters = {}) {
        const params = new URLSearchParams(filters);
        return this.request('GET', `/tasks?${params}`);
    }
}

// Usage example
const client = new SelextractClient('sk_prod_your_api_key_here');

async function scrapeProducts() {
    try {
        // Create task
        const task = await client.createTask(
            'Extract product data',
            'simple_scraping',
            {
                urls: ['https://example-store.com/products'],
                selectors: {
                    title: '.product-title',
                    price: '.price',
                    rating: '.rating'
                },
                output_format: 'json'
            }
        );

        console.log(`Task created: ${task.id}`);

        // Poll for completion
        let taskDetails;
        do {
            await new Promise(resolve => setTimeout(resolve, 5000)); // Wait 5 seconds
            taskDetails = await client.getTask(task.id);
            console.log(`Status: ${taskDetails.status}`);
        } while (['pending', 'running'].includes(taskDetails.status));

        if (taskDetails.status === 'completed') {
            console.log('Task completed successfully!');
            console.log(`Download URL: ${taskDetails.result_url}`);
        } else {
            console.error(`Task failed: ${taskDetails.error_message}`);
        }

    } catch (error) {
        console.error('Error:', error.message);
    }
}

scrapeProducts();
