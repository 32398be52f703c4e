"""What may be asked of Twilio (docs/providers/twilio.md). Nothing here sends a message or makes a call.

Of a number the addresses of its webhooks are set, of a Messaging Service that of its status callback. A number's Voice
URL is not among them: whoever has it must answer the calls.
"""

from __future__ import annotations

from providers.guard import Allowed, Guard

ACCOUNT = r"/2010-04-01/Accounts/[0-9A-Za-z]{2,64}"
SID = r"[0-9A-Za-z]{2,64}"
#: Sound of a recording lies beside its resource.
FILE = r"(\.json|\.mp3|\.wav)?"

GUARD = Guard(
    "Twilio",
    (
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
