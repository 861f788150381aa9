"""A certificate authority and logs as sigstore's are, with keys of their own, and attestations made by them.

pypi-attestations verifies against sigstore's trusted root out of a cache folder; with this one in its place,
documents of provenance are verified as real ones are, by the library's own code and without any network.
"""

import base64
import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
_TRUST_ROOT_URL = "https://tuf-repo-cdn.sigstore.dev"
_FULCIO = "1.3.6.1.4.1.57264.1."
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_PAYLOAD_TYPE = "application/vnd.in-toto+json"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class _Key:
    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def der(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.der).digest()

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data, ec.ECDSA(hashes.SHA256()))

    def as_log(self, url: str) -> dict[str, object]:
        """Return the log that has this key, as a trusted root names it."""
        valid = {"start": "2021-01-01T00:00:00Z"}
        key = {"rawBytes": b64(self.der), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid}
        return {
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": key,
            "logId": {"keyId": b64(self.id)},
        }


class SigstoreAuthority:
    """What signs, certifies and logs; `install` makes a program trust it in place of sigstore's own."""

    def __init__(self) -> None:
        self._authority, self._certificates_log, self._entries_log = _Key(), _Key(), _Key()
        self._certificate = self._own_certificate()

    def install(self, home: Path) -> dict[str, str]:
        """Write the trusted root below a home folder, and return the environment that leads there."""
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self._entries_log.as_log("https://log.example.org")],
            "ctlogs": [self._certificates_log.as_log("https://ct.example.org")],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "example.org", "commonName": "an authority of tests"},
                    "uri": "https://ca.example.org",
                    "certChain": {
                        "certificates": [{"rawBytes": b64(self._certificate.public_bytes(Encoding.DER))}]
                    },
                    "validFor": {"start": "2021-01-01T00:00:00Z"},
                }
            ],
        }
        for cache in (home / ".cache", home / "Library/Caches"):  # on Linux, on macOS
            folder = cache / "sigstore-python/tuf" / quote(_TRUST_ROOT_URL, safe="")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "trusted_root.json").write_text(json.dumps(root))
        return {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}

    def provenance(
        self,
        filename: str,
        content: bytes,
        *,
        repository: str = "demo/demo",
        certified: str | None = None,
    ) -> bytes:
        """Return a document of provenance; `certified` is the repository of the certificate, if another."""
        publisher = {"kind": "GitHub", "repository": repository, "workflow": "release.yml"}
        attestation = self.attestation(filename, content, certified or repository)
        bundle = {"publisher": publisher, "attestations": [attestation]}
        return json.dumps({"version": 1, "attestation_bundles": [bundle]}).encode()

    def attestation(self, filename: str, content: bytes, repository: str) -> dict[str, object]:
        """Sign that a repository published a file."""
        subject = {"name": filename, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}
        statement = json.dumps(
            {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [subject],
                "predicateType": "https://slsa.dev/provenance/v1",
                "predicate": {},
            }
        ).encode()
        signer = _Key()
        certificate = self._leaf(signer, repository)
        encoded = f"DSSEv1 {len(_PAYLOAD_TYPE)} {_PAYLOAD_TYPE} {len(statement)} ".encode() + statement
        signature = signer.sign(encoded)
        entry = self._logged(statement, signature, certificate)
        return {
            "version": 1,
            "verification_material": {
                "certificate": b64(certificate.public_bytes(Encoding.DER)),
                "transparency_entries": [entry],
            },
            "envelope": {"statement": b64(statement), "signature": b64(signature)},
        }

    def _own_certificate(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of tests")])
        public = self._authority.private.public_key()
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        return (
            x509.CertificateBuilder(name, name, public, 1)
            .not_valid_before(MOMENT - timedelta(days=365))
            .not_valid_after(MOMENT + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._authority.private, hashes.SHA256())
        )

    def _leaf(self, key: _Key, repository: str) -> x509.Certificate:
        """Certify a key for ten minutes, with a proof that the certificate was logged (RFC 6962)."""
        url = f"https://github.com/{repository}"
        claims = {
            "8": "https://token.actions.githubusercontent.com",
            "12": url,
            "13": "0" * 40,
            "14": "refs/heads/main",
            "18": f"{url}/.github/workflows/release.yml@refs/heads/main",
        }
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder(self._certificate.subject, x509.Name([]), key.private.public_key(), 2)
            .not_valid_before(MOMENT - timedelta(minutes=5))
            .not_valid_after(MOMENT + timedelta(minutes=5))
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._authority.private.public_key()),
                critical=False,
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(claims["18"])]), critical=True
            )
        )
        for number, text in claims.items():
            value = text.encode()
            der = bytes([0x0C]) + (bytes([len(value)]) if len(value) < 128 else bytes([0x81, len(value)]))
            oid = x509.ObjectIdentifier(_FULCIO + number)
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, der + value), critical=False)
        draft = builder.sign(self._authority.private, hashes.SHA256())
        scts = x509.UnrecognizedExtension(_SCTS, self._timestamps(draft.tbs_certificate_bytes))
        return builder.add_extension(scts, critical=False).sign(self._authority.private, hashes.SHA256())

    def _timestamps(self, draft: bytes) -> bytes:
        """Return the list of one signed timestamp of a certificate that lacks it (RFC 6962, 3.2 and 3.3)."""
        moment = struct.pack("!Q", int(MOMENT.timestamp() * 1000))
        signed = b"\0\0" + moment + b"\0\1" + self._authority.id
        signed += len(draft).to_bytes(3, "big") + draft + b"\0\0"
        signature = self._certificates_log.sign(signed)
        stamp = b"\0" + self._certificates_log.id + moment + b"\0\0" + b"\4\3"
        stamp += struct.pack("!H", len(signature)) + signature
        listed = struct.pack("!H", len(stamp)) + stamp
        content = struct.pack("!H", len(listed)) + listed
        length = bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])
        return b"\4" + length + content

    def _logged(self, statement: bytes, signature: bytes, certificate: x509.Certificate) -> dict[str, object]:
        """Return an entry of the log of signatures, of a log that has this one alone."""
        log = self._entries_log
        body = json.dumps(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
                    "payloadHash": {
                        "algorithm": "sha256",
                        "value": hashlib.sha256(statement).hexdigest(),
                    },
                    "signatures": [
                        {
                            "signature": b64(signature),
                            "verifier": b64(certificate.public_bytes(Encoding.PEM)),
                        }
                    ],
                },
            }
        ).encode()
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"log.example.org\n1\n{b64(root)}\n"
        checkpoint = f"{note}\n\u2014 log.example.org {b64(log.id[:4] + log.sign(note.encode()))}\n"
        moment = int(MOMENT.timestamp())
        promised: dict[str, str | int] = {
            "body": b64(body),
            "integratedTime": moment,
            "logID": log.id.hex(),
            "logIndex": 0,
        }
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(log.id)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(moment),
            "inclusionPromise": {"signedEntryTimestamp": b64(log.sign(rfc8785.dumps({**promised})))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": checkpoint},
            },
            "canonicalizedBody": b64(body),
        }
