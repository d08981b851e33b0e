"""Teaches schemathesis that NDJSON goes as it is written: as text."""

import schemathesis

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
