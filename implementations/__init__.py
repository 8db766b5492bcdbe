"""One folder per published notation of the variational autoencoder; `ls` is the list of notations."""
