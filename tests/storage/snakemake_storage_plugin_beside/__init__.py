"""A storage of Snakemake that is a folder elsewhere on this machine."""

import shutil
from pathlib import Path

from snakemake_interface_storage_plugins.settings import StorageProviderSettingsBase
from snakemake_interface_storage_plugins.storage_object import (
    StorageObjectGlob,
    StorageObjectRead,
    StorageObjectWrite,
)
from snakemake_interface_storage_plugins.storage_provider import StorageProviderBase, StorageQueryValidationResult


class StorageProviderSettings(StorageProviderSettingsBase):
    """None."""


class StorageProvider(StorageProviderBase):
    """Every path is a query."""

    @classmethod
    def example_queries(cls):
        return []

    def rate_limiter_key(self, query, operation):
        return ""

    def default_max_requests_per_second(self):
        return 1000.0

    def use_rate_limiter(self):
        return False

    @classmethod
    def is_valid_query(cls, query):
        return StorageQueryValidationResult(query=query, valid=True)

    def list_objects(self, query):
        return map(str, Path(query).rglob("*"))


class StorageObject(StorageObjectRead, StorageObjectWrite, StorageObjectGlob):
    """A file or a folder."""

    @property
    def kept(self):
        return Path(self.query)

    async def inventory(self, cache):
        """Nothing is known beforehand."""

    def get_inventory_parent(self):
        return None

    def local_suffix(self):
        return self.query.removeprefix("/")

    def cleanup(self):
        """Nothing is left behind."""

    def exists(self):
        return self.kept.exists()

    def mtime(self):
        stamp = self.kept / ".snakemake_timestamp"
        return (stamp if stamp.exists() else self.kept).stat().st_mtime

    def size(self):
        return self.kept.stat().st_size

    def retrieve_object(self):
        _copy(self.kept, self.local_path())

    def store_object(self):
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        _copy(self.local_path(), self.kept)

    def remove(self):
        shutil.rmtree(self.kept) if self.kept.is_dir() else self.kept.unlink()

    def list_candidate_matches(self):
        return map(str, self.kept.rglob("*"))


def _copy(source, target):
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
