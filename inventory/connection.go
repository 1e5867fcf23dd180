package inventory

import "time"

// Connection is how to reach a host and act on it. A zero value of a member
// means that the inventory does not say; then the user's SSH configuration and
// ferry's defaults decide. Arguments describes each member.
type Connection struct {
	Kind           string // "ssh" or "local"; never empty
	Address        string // never empty: the host's name if nothing else is said
	Port           int
	User           string
	Password       Secret
	IdentityFile   string // absolute, or relative to the working directory
	KnownHostsFile string
	HostKeyPolicy  string   // HostKeyStrict or HostKeyAcceptNew
	Jump           []string // [user@]host[:port], the first is reached directly
	ConnectTimeout time.Duration

	// Become says whether tasks run as another user. A play or a task may say
	// otherwise; BecomeSet tells "no" from "not said".
	Become, BecomeSet bool
	BecomeUser        string
	BecomePassword    Secret
}

// Values of Connection.Kind and Connection.HostKeyPolicy.
const (
	KindSSH   = "ssh"
	KindLocal = "local"

	HostKeyStrict    = "strict"
	HostKeyAcceptNew = "accept-new"
)

// connection puts the settings of a host together; later ones are stronger.
func connection(name string, layers ...[]setting) Connection {
	c := Connection{Kind: KindSSH, Address: name}
	for _, args := range layers {
		for _, s := range args {
			c.set(s)
		}
	}
	return c
}

func (c *Connection) set(s setting) {
	switch v := s.val.(type) {
	case string:
		switch s.name {
		case argConnection:
			c.Kind = v
		case argAddress:
			c.Address = v
		case argUser:
			c.User = v
		case argIdentityFile:
			c.IdentityFile = v
		case argKnownHostsFile:
			c.KnownHostsFile = v
		case argHostKeyPolicy:
			c.HostKeyPolicy = v
		case argBecomeUser:
			c.BecomeUser = v
		}
	case Secret:
		if s.name == argPassword {
			c.Password = v
		} else {
			c.BecomePassword = v
		}
	case int:
		c.Port = v
	case []string:
		c.Jump = v
	case time.Duration:
		c.ConnectTimeout = v
	case bool:
		c.Become, c.BecomeSet = v, true
	}
}
