"""libsodium, as PyNaCl has it, for boxes that were sealed elsewhere and that are opened elsewhere.

Whoever drives it sends one JSON object a line, `{"do": "seal", "public_key": HEX, "value": TEXT}` or
`{"do": "open", "private_key": HEX, "sealed": BASE64}`, and gets one back: `{"ok": …}` or `{"error": …}`.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox


def seal(order: dict[str, Any]) -> str:
    """Seal a value to a public key."""
    recipient = PublicKey(bytes.fromhex(order["public_key"]))
    return base64.b64encode(SealedBox(recipient).encrypt(order["value"].encode())).decode()


def unseal(order: dict[str, Any]) -> str:
    """Open a box with a private key."""
    recipient = PrivateKey(bytes.fromhex(order["private_key"]))
    return SealedBox(recipient).decrypt(base64.b64decode(order["sealed"])).decode()


def main() -> None:
    """Carry out one order after another."""
    orders = {"seal": seal, "open": unseal}
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        try:
            answer = {"ok": orders[order["do"]](order)}
        except (CryptoError, ValueError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
