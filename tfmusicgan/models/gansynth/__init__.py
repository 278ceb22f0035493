"""GANSynth: a progressive GAN of single notes as spectrograms."""
