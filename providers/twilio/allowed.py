"""What may be asked of Twilio, and where (docs/providers/twilio.md). Nothing here sends a message or makes a call.

Of a number the addresses of its webhooks are set, of a Messaging Service that of its status callback. A number's Voice
URL is not among them: whoever has it must answer the calls.
"""

from __future__ import annotations

from providers.guard import TIME, Allowed, Guard
from warehouse.connections import Connection

#: Where an edge is named without a region, Twilio's region of old counts.
DEFAULT_REGION = "us1"
ACCOUNT = r"/2010-04-01/Accounts/[0-9A-Za-z]{2,64}"
SID = r"[0-9A-Za-z]{2,64}"
#: Sound of a recording lies beside its resource.
FILE = r"(\.json|\.mp3|\.wav)?"

GUARD = Guard(
    "Twilio",
    (
        TIME,
        Allowed("GET", rf"{ACCOUNT}\.json"),
        Allowed("GET", rf"{ACCOUNT}/(Messages|Calls|Recordings|Transcriptions)\.json"),
        Allowed("GET", rf"{ACCOUNT}/(Messages|Calls|Transcriptions)/{SID}\.json"),
        Allowed("GET", rf"{ACCOUNT}/Recordings/{SID}{FILE}"),
        Allowed("GET", rf"{ACCOUNT}/Messages/{SID}/Media\.json"),
        Allowed("GET", rf"{ACCOUNT}/Messages/{SID}/Media/{SID}(\.json)?"),
        Allowed("GET", rf"{ACCOUNT}/(Calls|Recordings)/{SID}/(Recordings|Transcriptions)\.json"),
        Allowed("GET", rf"{ACCOUNT}/IncomingPhoneNumbers\.json"),
        Allowed("GET", rf"/v1/Services(/{SID})?"),
        Allowed("GET", rf"/v1/Services/{SID}/PhoneNumbers"),
        Allowed(
            "POST",
            rf"{ACCOUNT}/IncomingPhoneNumbers/{SID}\.json",
            frozenset({"SmsUrl", "SmsMethod", "StatusCallback", "StatusCallbackMethod"}),
        ),
        Allowed("POST", rf"/v1/Services/{SID}", frozenset({"StatusCallback"})),
    ),
)


def base_of(connection: Connection, product: str = "api") -> str:
    """Scheme and host of a product's API: `api_base`, or Twilio's host for the edge and the region.

    https://www.twilio.com/docs/global-infrastructure/using-the-twilio-rest-api-in-a-non-us-region
    """
    given = connection.value("api_base")
    if given:
        return given.rstrip("/")
    edge, region = connection.value("edge"), connection.value("region")
    if edge and not region:
        region = DEFAULT_REGION
    return "https://" + ".".join(part for part in (product, edge, region, "twilio.com") if part)
