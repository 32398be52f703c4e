"""Imported by the process that pulls are forked from, and by nothing else: a first pull ahead of all others.

Much of dlt is imported and resolved when it is first used. Done here, before the fork, a child has it.
Nothing is connected to.
"""

from __future__ import annotations

import atexit
import importlib
import os
import tempfile

import dlt
import dlt.destinations.impl.postgres.postgres
import dlt.load.load
from dlt.destinations import postgres

from mail.parse import parse
from pipelines.destination import FILE_FORMAT
from providers.safe_http import SafeClient
from warehouse.channels import registry

#: What children do, and the jobs that they begin with.
WORK = (
    "worker.jobs", "media.fetch", "pipelines.pull", "pipelines.reconcile", "pipelines.suggestions", "privacy.retention",
    "privacy.tasks", "worker.model_tests", "worker.tokens", "worker.watch",
)  # fmt: skip

for module in WORK:
    importlib.import_module(module)
for channel in registry().values():
    if channel.pulls:
        importlib.import_module(f"pipelines.{channel.channel}")
    # Somebody waits on a page for what is asked with it.
    importlib.import_module(f"providers.{channel.provider}.registration")

with tempfile.TemporaryDirectory() as folder:
    made = dlt.pipeline(
        "warm",
        destination=postgres("postgresql://warm:warm@127.0.0.1:1/warm"),
        pipelines_dir=folder,
    )
    made.extract([{"text": "text"}], table_name="texts", loader_file_format=FILE_FORMAT)
    made.normalize()
    made.deactivate()
parse(b"Content-Type: text/html\r\n\r\n<p>text</p>")
# The authorities that are trusted, which each child would read anew.
SafeClient()

# When its worker has ended this process ends at once: what it holds the kernel takes back in no time, where Python
# would take thousands of modules apart one by one, for up to a second of a core. A child that was forked never comes
# here.
atexit.register(os._exit, 0)
