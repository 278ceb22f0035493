"""MuseGAN (Dong, Hsiao, Yang, Yang, AAAI 2018): multi-track phrases as piano-rolls."""
