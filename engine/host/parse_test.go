package host

import (
	"io/fs"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
	"pgregory.net/rapid"
)

func TestParseStat(t *testing.T) {
	fi, err := parseStat("a1ff/21/root/root/0/0/1719792000\n../usr/lib/os-release\n")
	if err != nil || fi.Type != "link" || fi.Target != "../usr/lib/os-release" || fi.Size != 21 {
		t.Errorf("%+v, %v", fi, err)
	}
	fi, err = parseStat("43ff/160/root/root/0/0/1795437489\n")
	if err != nil || fi.Type != "directory" || UnixMode(fi.Mode) != 0o1777 || fi.Mode&fs.ModeSticky == 0 {
		t.Errorf("%+v, %v", fi, err)
	}
	fi, err = parseStat("89ed/100/UNKNOWN/app/1001/48/1\n")
	if err != nil || UnixMode(fi.Mode) != 0o4755 || fi.UID != 1001 || fi.GID != 48 || fi.Owner != "UNKNOWN" {
		t.Errorf("%+v, %v", fi, err)
	}
	for _, bad := range []string{"", "a/b", "zz/1/r/r/0/0/1\n", "81a4/1/r/r/0/0/x\n", "81a4/-/r/r/0/0/1\n"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("parseStat(%q) gives no error", bad)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("81a4/1525/root/root/0/0/1795437489\n")
	f.Add("a1ff/21/root/root/0/0/1719792000\n../usr/lib/os-release\n")
	f.Fuzz(func(t *testing.T, s string) {
		fi, err := parseStat(s)
		if err == nil && (fi.Type == "" || GoMode(UnixMode(fi.Mode)) != fi.Mode) {
			t.Errorf("%q gives %+v", s, fi)
		}
	})
}

func TestModeRoundTrip(t *testing.T) {
	for m := uint32(0); m <= 0o7777; m++ {
		if got := UnixMode(GoMode(m)); got != m {
			t.Fatalf("%04o becomes %04o", m, got)
		}
	}
}

func TestParseOSRelease(t *testing.T) {
	kv := ParseOSRelease("# a comment\nNAME=\"CentOS Linux\"\nID='centos'\nVERSION_ID=\"8\"\n\nHOME_URL=\"https://x.example.com/?a=b\"\nnonsense\n")
	for k, want := range map[string]string{"NAME": "CentOS Linux", "ID": "centos", "VERSION_ID": "8", "HOME_URL": "https://x.example.com/?a=b"} {
		if kv[k] != want {
			t.Errorf("%s = %q, want %q", k, kv[k], want)
		}
	}
	v, err := osField("ID")("LEGACY=CentOS release 6.10 (Final)")
	if err != nil || v != "centos" {
		t.Errorf("ID of el6: %v, %v", v, err)
	}
	v, err = osField("VERSION_ID")("LEGACY=CentOS release 6.10 (Final)")
	if err != nil || v != "6.10" {
		t.Errorf("VERSION_ID of el6: %v, %v", v, err)
	}
}

func FuzzParseOSRelease(f *testing.F) {
	f.Add("ID=centos\nNAME=\"a\"\n")
	f.Add("LEGACY=CentOS release 6.10 (Final)")
	f.Fuzz(func(t *testing.T, s string) {
		for k, v := range ParseOSRelease(s) {
			if strings.Contains(k+v, "\n") {
				t.Errorf("%q has a line break", k+"="+v)
			}
		}
		for _, key := range []string{"ID", "VERSION_ID"} {
			if _, err := osField(key)(s); err != nil {
				t.Errorf("%q: %s", s, err)
			}
		}
	})
}

// words reads a line as a shell does.
func words(line string) ([]string, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader("x "+line), "")
	if err != nil {
		return nil, err
	}
	call := file.Stmts[0].Cmd.(*syntax.CallExpr)
	out, err := expand.Fields(&expand.Config{NoUnset: true}, call.Args...)
	if err != nil || len(file.Stmts) != 1 {
		return nil, err
	}
	return out[1:], nil
}

func TestQuoteRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		argv := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab '\"\\$`!*?[]{}()<>|&;~#=%^\n\täπ-")), 0, 12, -1), 1, 5).Draw(t, "argv")
		got, err := words(QuoteArgv(argv))
		if err != nil {
			t.Fatalf("%q: %s", QuoteArgv(argv), err)
		}
		if len(got) != len(argv) {
			t.Fatalf("%q becomes %q", argv, got)
		}
		for i := range argv {
			if got[i] != argv[i] {
				t.Fatalf("%q becomes %q", argv, got)
			}
		}
	})
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a b", "it's", "$HOME", "a\nb", "~", "-n", "!x", "#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\x00\r") || strings.ToValidUTF8(s, "") != s {
			t.Skip() // no argument can hold NUL; the reader here drops CR
		}
		got, err := words(Quote(s))
		if err != nil || len(got) != 1 || got[0] != s {
			t.Errorf("Quote(%q) = %s is read as %q, %v", s, Quote(s), got, err)
		}
	})
}
