"""Many samples of an exported model without a server: SavedModel -> TFRecord shards.

A Beam pipeline in which one element is one shard: its worker loads the model once, samples in
batches of one padded size, writes the shard under a temporary name and renames it. Shards hold
NoteSequences, or for models of sounds `tf.train.Example`s (`sound_example`). Sample i depends
only on the seed and i: it is row seed `(seed << 32) + i` of the model's signature, so the same
piece can be asked of a server with that seed. An interrupted run goes on with the shards that are
missing from `<output>.partial`; the finished folder appears by one rename.
"""

from tfmusicgan.bulk_sampling.plan import Plan, default_signature, make_plan, row_seeds
from tfmusicgan.bulk_sampling.run import check_output, require_local, sample_to_folder
from tfmusicgan.bulk_sampling.shards import sample_rows, sample_shard

__all__ = [
    "Plan",
    "check_output",
    "default_signature",
    "make_plan",
    "require_local",
    "row_seeds",
    "sample_rows",
    "sample_shard",
    "sample_to_folder",
]
