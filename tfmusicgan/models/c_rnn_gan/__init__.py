"""C-RNN-GAN: music as events of real numbers (Mogren 2016)."""
