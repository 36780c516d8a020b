"""Verifies a webhook as its receivers do, by the scheme's own library for Python.

    verify.py SECRET

reads {"headers": {…}, "body": "…"} from standard input, and ends with 1 where the library refuses it.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

received = json.load(sys.stdin)
try:
    Webhook(sys.argv[1]).verify(received["body"], received["headers"])
except WebhookVerificationError as error:
    sys.exit(f"refused: {error}")
