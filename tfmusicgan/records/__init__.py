"""Arrays <-> TFRecord: the conversion pipeline, its manifest, and the tf.data reader."""
