package lsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxMessage bounds one message, in bytes. The longest that are sensible hold a
// whole file.
const maxMessage = 64 << 20

const maxHeader = 4 << 10

// framing carries messages with a header that says how long they are. (The
// library's own allocates whatever length it is told.)
type framing struct {
	in  *bufio.Reader
	out io.Writer
}

func newFraming(in io.Reader, out io.Writer) framing {
	return framing{in: bufio.NewReaderSize(in, maxHeader), out: out}
}

// Send writes a message in one piece.
func (f framing) Send(msg []byte) error {
	_, err := f.out.Write(append(fmt.Appendf(nil, "Content-Length: %d\r\n\r\n", len(msg)), msg...))
	return err
}

// Recv reads the next message; io.EOF is the end of the session.
func (f framing) Recv() ([]byte, error) {
	length := -1
	for n := 0; ; n++ {
		line, err := f.in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && n == 0 && len(line) == 0:
			return nil, io.EOF
		case err != nil || n > 20:
			return nil, errors.New("what was read is no header of a message; ferry lsp is started by an editor")
		}
		name, value, found := strings.Cut(strings.TrimSpace(string(line)), ":")
		if !found {
			if name == "" && length >= 0 {
				break
			}
			return nil, errors.New("what was read is no header of a message; ferry lsp is started by an editor")
		}
		if strings.EqualFold(name, "Content-Length") {
			length, err = strconv.Atoi(strings.TrimSpace(value))
			if err != nil || length < 0 || length > maxMessage {
				return nil, fmt.Errorf("a message has the length %q; at most %d bytes are taken", strings.TrimSpace(value), maxMessage)
			}
		}
	}
	msg := make([]byte, length)
	_, err := io.ReadFull(f.in, msg)
	return msg, err
}

// Close ends the channel; the streams belong to the caller.
func (framing) Close() error { return nil }
