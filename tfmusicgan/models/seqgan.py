"""SeqGAN: an LSTM that writes tokens, and a discriminator of windows that rewards it.

Yu, Zhang, Wang, Yu, AAAI 2017, arXiv 1609.05473.

Differs from the released code:

* the generator itself completes what it has written; the released copy that is to lag behind it
  reads the generator's weights, so that it does the same (`roll_out_lag` has it lag);
* one logit in place of two softmax outputs, with half their penalty; Adam's step on it is half of
  theirs, and it begins with a deviation of 0.1, where their difference has 0.141;
* a discriminator's batch is half real, half samples; the generator's batches are shuffled in every
  epoch;
* gradients that come several times for one row of an embedding are added before their norm is
  taken.
"""

from tfmusicgan.models.token_gan import TokenGAN


class SeqGAN(TokenGAN):
    """SeqGAN on sequences of tokens; its config is a `recipes.seqgan.SeqGANConfig`."""
