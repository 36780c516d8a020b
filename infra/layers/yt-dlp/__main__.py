"""`python FOLDER OPTION…`: yt-dlp, which also tells on its standard output what was wrong with requests, one JSON object a line.

Its own messages name neither the status nor how long a site asked to be left alone where it goes on without an answer, as with the page of a
profile. The crate `yt-dlp` reads these lines: `{"refusal": {"status": 429, "retry_after": "30"}}`; a connection that failed has no status.
"""

import json
import os
import sys

if bundle := os.environ.get("SSL_CERT_FILE"):
    import certifi

    # As other programs understand it; yt-dlp asks certifi alone.
    certifi.where = lambda: bundle

import yt_dlp
from yt_dlp.networking.exceptions import HTTPError, RequestError


class Telling(yt_dlp.YoutubeDL):
    """yt-dlp's own, whose failed requests are told."""

    def urlopen(self, req):
        try:
            return super().urlopen(req)
        except HTTPError as error:
            tell(status=error.status, retry_after=error.response.headers.get("Retry-After"))
            raise
        except RequestError:
            tell(status=None, retry_after=None)
            raise


def tell(**refusal):
    print(json.dumps({"refusal": refusal}), flush=True)


yt_dlp.YoutubeDL = Telling
sys.exit(yt_dlp.main())
