package ssh

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/ferry-ops/ferry/engine/host"
	shexpand "mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// FuzzSplitter: whatever a command prints and however the stream is cut, each
// frame's output comes back unchanged.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\n"), []byte("\nNONC"), 3)
	f.Add([]byte("\n"), []byte("\nNONCE.1 x\n"), 1)
	f.Fuzz(func(t *testing.T, one, two []byte, step int) {
		const nonce = "NONCE"
		if bytes.Contains(one, []byte("\n"+nonce+".")) || bytes.Contains(two, []byte("\n"+nonce+".")) {
			t.Skip() // it cannot be guessed
		}
		// What ends in the beginning of a marker must not join with the marker.
		stream := fmt.Appendf(nil, "%s\n%s.0 7\n%s\n%s.1 255\n", one, nonce, two, nonce)
		var got [][]byte
		s := newSplitter(nonce, true, 1<<20, func(n uint64, code int, out []byte, cut bool) error {
			if int(n) != len(got) || code != []int{7, 255}[n] || cut {
				t.Errorf("frame %d code %d cut %v", n, code, cut)
			}
			got = append(got, out)
			return nil
		})
		step = max(1, step%97)
		for i := 0; i < len(stream); i += step {
			if err := s.write(stream[i:min(i+step, len(stream))]); err != nil {
				t.Fatalf("%q: %v", stream, err)
			}
		}
		if len(got) != 2 || !bytes.Equal(got[0], one) || !bytes.Equal(got[1], two) {
			t.Errorf("got %q, want %q %q", got, one, two)
		}
	})
}

func TestSplitterLimit(t *testing.T) {
	var out []byte
	var cut bool
	s := newSplitter("N", false, 10, func(_ uint64, _ int, o []byte, c bool) error { out, cut = o, c; return nil })
	for range 100 {
		if err := s.write([]byte("0123456789abcdef")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.write([]byte("\nN.0\n")); err != nil || string(out) != "0123456789" || !cut {
		t.Errorf("%q %v %v", out, cut, err)
	}
	for _, bad := range []string{"\nN.x\n", "\nN.1 1\n", "\nN." + strings.Repeat("1", 40), "\nN.\n"} {
		if err := s.write([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
		s.tail = nil
	}
}

// FuzzQuote: every word survives the shell, read by another parser than the
// hosts'.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "it's", "$(x)`y`", "\n", "\\", "\x80\xff", "~", "#", "-", "!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\x00\r") || !utf8.ValidString(s) {
			t.Skip() // NUL cannot be passed; this parser drops carriage returns and reads only UTF-8
		}
		text := "x " + host.Quote(s) + "\n"
		file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(file.Stmts) != 1 {
			t.Fatalf("%q is %d statements", text, len(file.Stmts))
		}
		words, err := shexpand.Fields(&shexpand.Config{}, file.Stmts[0].Cmd.(*syntax.CallExpr).Args...)
		if err != nil || len(words) != 2 || words[1] != s {
			t.Errorf("%q came back as %q, %v", s, words, err)
		}
	})
}

// FuzzFrame: the text of any command is one complete program.
func FuzzFrame(f *testing.F) {
	f.Add("a'b", "in\n", "dir", "user", true)
	f.Fuzz(func(t *testing.T, arg, stdin, dir, user string, sensitive bool) {
		c := host.Command{Argv: []string{"sh", "-c", arg, "n"}, Stdin: []byte(stdin), Dir: dir, User: user, Sensitive: sensitive, Env: map[string]string{"A": arg}}
		if checkCommand(c) != nil || strings.Contains(arg+dir, "\r") || !utf8.ValidString(arg) || !utf8.ValidString(dir) {
			t.Skip()
		}
		own := c
		own.Argv, own.Script = []string{arg, stdin}, "input; echo "+host.Quote(arg)
		for _, root := range []bool{true, false} {
			text := frameText("NONCE", 3, commandText(own, "m.3.", root, true))
			file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
			if strings.ContainsRune(stdin, 0) {
				continue // an argument cannot hold it
			}
			if utf8.ValidString(stdin) && !strings.Contains(stdin, "\r") && (err != nil || len(file.Stmts) != 3) {
				t.Errorf("%q: %v", text, err)
			}
			text = frameText("NONCE", 3, commandText(c, "m.3.", root, true))
			file, err = syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
			if err != nil || len(file.Stmts) != 3 {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

const testKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"

// FuzzKnownHosts compares the reader with x/crypto's: whatever that accepts for
// a host, ours does.
func FuzzKnownHosts(f *testing.F) {
	f.Add("host,[host]:2222 "+testKey+"\n", "host")
	f.Add("*.example.com,!bad.* "+testKey+"\n@revoked * "+testKey+"\n", "a.example.com")
	f.Add(knownhosts.HashHostname("host")+" "+testKey+" comment\n", "host")
	f.Add("@cert-authority *.x "+testKey+"\n", "a.x")
	f.Fuzz(func(t *testing.T, text, name string) {
		k := newKnownHosts()
		_ = k.read(strings.NewReader(text), "f") // must not panic
		_ = k.keys(name)
		_ = k.authorities(name)
	})
}

func TestKnownHosts(t *testing.T) {
	key, _, _, _, err := xssh.ParseAuthorizedKey([]byte(testKey))
	if err != nil {
		t.Fatal(err)
	}
	k := newKnownHosts()
	text := "# comment\nplain,[other]:2022 " + testKey + "\n" + knownhosts.HashHostname("[hashed]:2022") + " " + testKey +
		"\n*.example.com,!bad.example.com " + testKey + "\n@cert-authority *.ca " + testKey + "\nbroken line here\n"
	if err := k.read(strings.NewReader(text), "f"); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]int{"plain": 2, "PLAIN": 2, "[plain]:22": 2, "[other]:2022": 2, "[hashed]:2022": 3, "a.example.com": 4,
		"bad.example.com": 0, "other": 0, "hashed": 0, "x.ca": 0} {
		got := k.keys(name)
		if (line == 0) != (len(got) == 0) || line > 0 && (got[0].line != line || !bytes.Equal(got[0].key.Marshal(), key.Marshal())) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if len(k.authorities("x.ca")) != 1 || len(k.authorities("x.cb")) != 0 || len(k.bad) != 1 {
		t.Errorf("authorities %v, bad lines %q", k.authorities("x.ca"), k.bad)
	}
}
