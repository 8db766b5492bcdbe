"""pythae as installed: the losses of its VAE and its BetaVAE."""

from pythae.models import VAE, BetaVAE, BetaVAEConfig, VAEConfig

vae = VAE(VAEConfig(input_dim=(7,), latent_dim=3, reconstruction_loss="bce")).loss_function
beta_vae = BetaVAE(BetaVAEConfig(input_dim=(7,), latent_dim=3, reconstruction_loss="mse", beta=2.0)).loss_function
