"""Runs the contract's Python program as it stands, but for the base URL, the key and the platform (PLATFORM may be its own).

    run_credential_queue_client.py PROGRAM BASE_URL KEY PLATFORM OUTCOME

The program leaves it to its reader to write `login`, `scrape_jobs`, `LoginError` and `RateLimitError`: here they end as OUTCOME says
(`success`, `login_error` or `rate_limit`).
"""

import sys
from pathlib import Path


class LoginError(Exception):
    pass


class RateLimitError(Exception):
    pass


def main(program: str, base_url: str, key: str, platform: str, outcome: str) -> None:
    source = Path(program).read_text(encoding="utf-8")
    for documented, actual in [("http://localhost:5000", base_url), ("sk_live_abc123", key), ('"linkedin"', f'"{platform}"')]:
        if source.count(documented) != 1:
            sys.exit(f"{documented} is not in {program} exactly once")
        source = source.replace(documented, actual)

    def login(email: str, password: str) -> None:
        print(f"signed in as {email} with {password}")
        if outcome == "login_error":
            raise LoginError("Login failed: Invalid credentials")

    def scrape_jobs() -> None:
        if outcome == "rate_limit":
            raise RateLimitError

    names = {"__name__": "__main__", "login": login, "scrape_jobs": scrape_jobs, "LoginError": LoginError, "RateLimitError": RateLimitError}
    exec(compile(source, program, "exec"), names)


if __name__ == "__main__":
    main(*sys.argv[1:])
