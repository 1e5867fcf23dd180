package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"

	xssh "golang.org/x/crypto/ssh"
)

// WriteKey makes a key pair, writes the private key to a file as ssh-keygen
// does, and returns the public key for Options.Keys.
func WriteKey(file string) (xssh.PublicKey, error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := xssh.MarshalPrivateKey(priv, "sshtest")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return xssh.NewPublicKey(pub)
}
