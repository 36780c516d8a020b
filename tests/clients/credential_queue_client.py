import requests

API_BASE = "http://localhost:5000/api/scraper-credentials/queue"
API_KEY = "sk_live_abc123"
HEADERS = {"X-Scraper-API-Key": API_KEY}


def get_credential(platform: str, session_id: str = None):
    """Fetch next available credential."""
    params = {"session_id": session_id} if session_id else {}
    response = requests.get(f"{API_BASE}/{platform}/next", headers=HEADERS, params=params)
    
    if response.status_code == 204:
        return None  # No credentials available
    
    response.raise_for_status()
    return response.json()


def report_success(credential_id: int):
    """Report successful use."""
    requests.post(f"{API_BASE}/{credential_id}/success", headers=HEADERS)


def report_failure(credential_id: int, error: str, cooldown_minutes: int = 0):
    """Report failure."""
    requests.post(
        f"{API_BASE}/{credential_id}/failure",
        headers=HEADERS,
        json={"error_message": error, "cooldown_minutes": cooldown_minutes}
    )


def release_credential(credential_id: int):
    """Release without reporting."""
    requests.post(f"{API_BASE}/{credential_id}/release", headers=HEADERS)


# Usage
credential = get_credential("linkedin", session_id="my-scraper-001")

if not credential:
    print("No credentials available")
    exit()

credential_id = credential["id"]

try:
    # Use the credential
    login(credential["email"], credential["password"])
    scrape_jobs()
    report_success(credential_id)
    
except LoginError as e:
    report_failure(credential_id, str(e))
    
except RateLimitError:
    report_failure(credential_id, "Rate limited", cooldown_minutes=60)
