"""A token realm as CNCF Distribution wants it: its tokens are signed, and name the certificate that proves it."""
import base64
import json
import subprocess
import time

from .tokens import Realm
from .wire import Response


def text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class SigningRealm(Realm):
    """Gives who has the password a token as Distribution wants it: signed, with the certificate in its head."""

    def __init__(self, folder):
        super().__init__("password", users={"tester": "secret"})
        self.folder = folder
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "realm.key", "-out", "realm.pem",
                        "-days", "2", "-subj", "/CN=Realm of the tests"], cwd=folder, check=True, capture_output=True)

    def sign(self, scopes):
        certificate = "".join((self.folder / "realm.pem").read_text().splitlines()[1:-1])
        now, access = int(time.time()), []
        for scope in scopes:
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        parts = [{"typ": "JWT", "alg": "RS256", "x5c": [certificate]},
                 {"iss": "realm", "sub": "tester", "aud": "models", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": str(time.monotonic_ns()),
                  "access": access}]
        signed = ".".join(text(json.dumps(part).encode()) for part in parts)
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "realm.key"], cwd=self.folder, input=signed.encode(),
                                   capture_output=True, check=True).stdout
        return f"{signed}.{text(signature)}"

    def issue(self, request, base_url):
        answer = super().issue(request, base_url)
        if answer.status != 200:
            return answer
        token = self.sign(scope for scope in request.query.get("scope", []) if scope)
        return Response(200, json.dumps({"token": token, "expires_in": 300}).encode(), {"Content-Type": "application/json"})


def token_auth(realm, folder):
    return (f"auth: {{token: {{realm: '{realm.registry.url}/token', service: models, issuer: realm, "
            f"rootcertbundle: {folder}/realm.pem}}}}")
