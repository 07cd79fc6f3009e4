"""Archives: thousands of documents signed by a system's key, or verified, resumable and with a journal of results.

Documents come from a directory, a zip, a tar or a list of files and are worked on in chunks by local processes or by
a Dask cluster. Nothing grows with the number of documents but the journal on the disk.
"""

from sotepki.documents.bulk.engine import Progress, Summary, run_bulk
from sotepki.documents.bulk.jobs import FileKey, Job, Opening, SigningJob, TokenKey, VerifyingJob
from sotepki.documents.bulk.journal import BulkJournal, Row
from sotepki.documents.bulk.placing import Placing, clear_parts
from sotepki.documents.bulk.sources import Item, open_source
from sotepki.documents.bulk.tables import table_writer, write_table

__all__ = [
    "BulkJournal",
    "FileKey",
    "Item",
    "Job",
    "Opening",
    "Placing",
    "Progress",
    "Row",
    "SigningJob",
    "Summary",
    "TokenKey",
    "VerifyingJob",
    "clear_parts",
    "open_source",
    "run_bulk",
    "table_writer",
    "write_table",
]
