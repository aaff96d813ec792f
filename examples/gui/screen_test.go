package main

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
	"github.com/stretchr/testify/require"
)

// screen is one that nobody sees: that of an X server of the test's own.
type screen struct {
	t       *testing.T
	display string
	conn    *xgb.Conn
	root    xproto.Window
	size    image.Point
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	const width, height = viewWidth + 40, viewHeight + 40
	r, w, err := os.Pipe() // on which the server says what display it has found free
	require.NoError(t, err)
	server := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp",
		"-screen", "0", fmt.Sprintf("%dx%dx24", width, height))
	server.ExtraFiles = []*os.File{w}
	require.NoError(t, server.Start(), "the test needs Xvfb; on Debian: apt-get install xvfb")
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
	})
	require.NoError(t, w.Close())
	number, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err, "the X server has ended")
	require.NoError(t, r.Close())

	xgb.Logger.SetOutput(io.Discard)
	display := ":" + strings.TrimSpace(number)
	conn, err := xgb.NewConnDisplay(display)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	require.NoError(t, xtest.Init(conn))
	return &screen{t, display, conn, xproto.Setup(conn).DefaultScreen(conn).Root, image.Pt(width, height)}
}

// picture returns what is on the screen.
func (s *screen) picture() *image.RGBA {
	s.t.Helper()
	got, err := xproto.GetImage(s.conn, xproto.ImageFormatZPixmap, xproto.Drawable(s.root),
		0, 0, uint16(s.size.X), uint16(s.size.Y), 1<<32-1).Reply()
	require.NoError(s.t, err)
	picture := image.NewRGBA(image.Rectangle{Max: s.size})
	for i := 0; i < len(picture.Pix); i += 4 { // the server has blue first
		picture.Pix[i], picture.Pix[i+1], picture.Pix[i+2] = got.Data[i+2], got.Data[i+1], got.Data[i]
		picture.Pix[i+3] = 255
	}
	return picture
}

func (s *screen) at(p image.Point) color.RGBA { return s.picture().RGBAAt(p.X, p.Y) }

// click clicks on a point.
func (s *screen) click(p image.Point) {
	s.t.Helper()
	for _, kind := range []byte{xproto.MotionNotify, xproto.ButtonPress, xproto.ButtonRelease} {
		detail := byte(xproto.ButtonIndex1)
		if kind == xproto.MotionNotify {
			detail = 0
		}
		require.NoError(s.t, xtest.FakeInputChecked(s.conn, kind, detail, 0, s.root, int16(p.X), int16(p.Y), 0).Check())
	}
}

// closeWindow does what the button in the frame of a window does.
func (s *screen) closeWindow() {
	s.t.Helper()
	windows, err := xproto.QueryTree(s.conn, s.root).Reply()
	require.NoError(s.t, err)
	require.Len(s.t, windows.Children, 1)
	event := xproto.ClientMessageEvent{
		Format: 32, Window: windows.Children[0], Type: s.atom("WM_PROTOCOLS"),
		Data: xproto.ClientMessageDataUnionData32New([]uint32{uint32(s.atom("WM_DELETE_WINDOW")), 0, 0, 0, 0}),
	}
	require.NoError(s.t, xproto.SendEventChecked(s.conn, false, event.Window, 0, string(event.Bytes())).Check())
}

func (s *screen) atom(name string) xproto.Atom {
	s.t.Helper()
	got, err := xproto.InternAtom(s.conn, false, uint16(len(name)), name).Reply()
	require.NoError(s.t, err)
	return got.Atom
}

// save writes the window's part of a picture to a file.
func save(t *testing.T, picture *image.RGBA, file string) {
	t.Helper()
	f, err := os.Create(file)
	require.NoError(t, err)
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	require.NoError(t, encoder.Encode(f, picture.SubImage(image.Rect(0, 0, viewWidth, viewHeight))))
	require.NoError(t, f.Close())
}
