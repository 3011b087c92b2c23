"""Public keys of checksum databases that GOSUMDB may give by name alone.

A key is stored under its key hash, the first four bytes of SHA-256 over `name`, a newline and the
key. So the name need not be written here, and only the true name finds its key.

Spec: cmd/go/internal/modfetch/key.go, golang.org/x/mod/sumdb/note.
"""

KNOWN_KEYS = {
    # The public checksum database; the first byte of the key says Ed25519.
    "033de0ae": "Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
}
