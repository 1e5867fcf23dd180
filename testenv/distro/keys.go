package distro

import (
	"bytes"
	"crypto"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// signer is an OpenPGP key of one vendor. It is made by each build and kept in
// its cache, never in the repository.
type signer struct {
	entity *openpgp.Entity
	public string // armoured
}

func newSigner(userID string) (*signer, error) {
	// RSA and version 4: what every rpm since the source's understands.
	config := &packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048, DefaultHash: crypto.SHA256}
	name, email := userID, ""
	if i := bytes.IndexByte([]byte(userID), '<'); i > 0 {
		name, email = userID[:i-1], userID[i+1:len(userID)-1]
	}
	comment := ""
	if i := bytes.IndexByte([]byte(name), '('); i > 0 {
		name, comment = name[:i-1], name[i+1:len(name)-1]
	}
	e, err := openpgp.NewEntity(name, comment, email, config)
	if err != nil {
		return nil, err
	}
	// Encryption subkeys only make rpm print a warning.
	e.Subkeys = nil
	var buf bytes.Buffer
	w, err := armor.Encode(&buf, openpgp.PublicKeyType, nil)
	if err != nil {
		return nil, err
	}
	if err := e.Serialize(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &signer{entity: e, public: buf.String() + "\n"}, nil
}

// sign makes the detached binary signature rpm stores in a package's header.
func (s *signer) sign(data []byte) ([]byte, error) {
	var buf bytes.Buffer
	config := &packet.Config{DefaultHash: crypto.SHA256}
	if err := openpgp.DetachSign(&buf, s.entity, bytes.NewReader(data), config); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
