package ssh

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	xssh "golang.org/x/crypto/ssh"
)

// encryptedKey is a key file whose passphrase is asked for only when the
// server wants a signature by it.
type encryptedKey struct {
	file string
	pem  []byte
	pub  xssh.PublicKey
	ask  func(file string) (string, error)

	failed func(error) // told why it cannot sign; may be nil

	once   sync.Once
	signer xssh.Signer
	err    error
}

var errPassphrase = errors.New("the key is encrypted")

func (k *encryptedKey) PublicKey() xssh.PublicKey { return k.pub }

func (k *encryptedKey) Sign(rnd io.Reader, data []byte) (*xssh.Signature, error) {
	return k.SignWithAlgorithm(rnd, data, "")
}

// SignWithAlgorithm lets RSA keys sign with SHA-2.
func (k *encryptedKey) SignWithAlgorithm(_ io.Reader, data []byte, alg string) (*xssh.Signature, error) {
	k.once.Do(k.open)
	if k.err != nil {
		if k.failed != nil {
			k.failed(k.err)
		}
		return nil, k.err
	}
	if as, ok := k.signer.(xssh.AlgorithmSigner); ok && alg != "" {
		return as.SignWithAlgorithm(rand.Reader, data, alg)
	}
	return k.signer.Sign(rand.Reader, data)
}

func (k *encryptedKey) open() {
	phrase, err := k.ask(k.file)
	if err != nil {
		k.err = fmt.Errorf("%s: %w and its passphrase could not be read: %w", k.file, errPassphrase, err)
		return
	}
	if k.signer, err = xssh.ParsePrivateKeyWithPassphrase(k.pem, []byte(phrase)); err != nil {
		k.err = fmt.Errorf("%s: %w and the passphrase does not fit", k.file, errPassphrase)
	}
}

// loadKey reads a private key file; with a certificate beside it
// (FILE-cert.pub), the certificate comes first.
func loadKey(file string, ask func(string) (string, error)) ([]xssh.Signer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	signer, err := xssh.ParsePrivateKey(data)
	var missing *xssh.PassphraseMissingError
	if errors.As(err, &missing) {
		if ask == nil {
			return nil, fmt.Errorf("%s: %w and no passphrase was given", file, errPassphrase)
		}
		pub := missing.PublicKey
		if pub == nil { // old PEM formats hide it
			pub = readPublic(file + ".pub")
		}
		k := &encryptedKey{file: file, pem: data, pub: pub, ask: ask}
		if pub == nil {
			if k.once.Do(k.open); k.err != nil {
				return nil, k.err
			}
			k.pub = k.signer.PublicKey()
		}
		signer, err = k, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: not a private key ferry can read: %w", file, err)
	}
	signers := []xssh.Signer{signer}
	if cert, ok := readPublic(file + "-cert.pub").(*xssh.Certificate); ok {
		if cs, err := xssh.NewCertSigner(cert, signer); err == nil {
			signers = []xssh.Signer{cs, signer}
		}
	}
	return signers, nil
}

func readPublic(file string) xssh.PublicKey {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	pub, _, _, _, err := xssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil
	}
	return pub
}
