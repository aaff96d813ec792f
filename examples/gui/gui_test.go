package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

var screenshot = flag.String("screenshot", "", "write what the finished window looks like to this `file`")

func TestMain(m *testing.M) {
	if clitest.IsProgram() {
		main() // it does not return
	}
	goleak.VerifyTestMain(m)
}

// Where things are in the window, and what color they have. The window has the
// upper left corner of the screen to itself.
var (
	endOfBar = image.Pt(margin+pictureWidth-barHeight, margin+pictureHeight+margin+barHeight/2)
	onButton = image.Pt(margin+pictureWidth-4, endOfBar.Y+margin+24)
	accent   = color.RGBA{0x3f, 0x51, 0xb5, 0xff} // of a full bar, and of the button
)

// program is the real one, on a screen of its own.
type program struct {
	*screen
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{screen: newScreen(t), cmd: clitest.Command(t, args...)}
	p.cmd.Env = append(p.cmd.Env, "DISPLAY="+p.display, "WAYLAND_DISPLAY=",
		"XDG_RUNTIME_DIR="+t.TempDir(), "LIBGL_ALWAYS_SOFTWARE=1")
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.stdout = bufio.NewReader(stdout)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // unless it has ended
		_ = p.cmd.Wait()
	})
	return p
}

// says waits until the program has printed a line.
func (p *program) says(want string) {
	p.t.Helper()
	line, err := p.stdout.ReadString('\n')
	require.NoError(p.t, err, "instead of %q", want)
	require.Equal(p.t, want+"\n", line)
}

// shows waits until a point has a color.
func (p *program) shows(at image.Point, want color.RGBA) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return near(p.at(at), want) }, time.Minute, 20*time.Millisecond)
}

// ends closes the window and waits for the program.
func (p *program) ends() {
	p.t.Helper()
	p.closeWindow()
	err := p.cmd.Wait()
	require.NoError(p.t, err, p.stderr.String())
	assert.Empty(p.t, p.stderr.String())
}

// near reports whether the colors are the same but for rounding.
func near(a, b color.RGBA) bool {
	const most = 2
	apart := func(x, y uint8) bool { return max(x, y)-min(x, y) > most }
	return !apart(a.R, b.R) && !apart(a.G, b.G) && !apart(a.B, b.B)
}

func TestPictureIsPaintedAndTheBarFull(t *testing.T) {
	const detail = 200
	p := startProgram(t, "-detail", fmt.Sprint(detail))
	p.says("painting")
	p.says("done")
	p.shows(onButton, accent)
	p.shows(endOfBar, accent)

	got := p.picture()
	for x := range pictureWidth {
		require.True(t, near(got.RGBAAt(margin+x, endOfBar.Y), accent), "a gap in the bar at %d", x)
	}
	for y := range pictureHeight {
		want, err := computeRow(t.Context(), y, detail)
		require.NoError(t, err)
		for x := range pictureWidth {
			pixel := want.pixels[4*x:]
			require.True(t, near(got.RGBAAt(margin+x, margin+y), color.RGBA{pixel[0], pixel[1], pixel[2], 255}),
				"the picture at %d, %d", x, y)
		}
	}
	if *screenshot != "" {
		save(t, got, *screenshot)
	}
	p.ends()
}

func TestButtonCancelsAndBeginsAgain(t *testing.T) {
	p := startProgram(t, "-detail", "10000000") // it takes hours
	p.says("painting")
	p.shows(onButton, accent)
	p.click(onButton)
	p.says("cancelled")
	assert.False(t, near(p.at(endOfBar), accent))

	p.click(onButton)
	p.says("painting")
	p.ends() // closing the window cancels too
}

func TestSignalEndsItWithWhatWasDone(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			p := startProgram(t, "-detail", "10000000") // it takes hours
			p.says("painting")
			p.shows(onButton, accent)
			require.NoError(t, p.cmd.Process.Signal(signal))
			said, err := io.ReadAll(p.stdout)
			require.NoError(t, err)
			assert.Regexp(t, `^\d+ of 280 rows\n$`, string(said))
			_ = p.cmd.Wait() // the exit status says it
			assert.Equal(t, cli.StatusInterrupted, p.cmd.ProcessState.ExitCode())
			assert.Equal(t, "gui: interrupted\n", p.stderr.String())
		})
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	clitest.CheckUnwritable(t, command, "-help")
	s := newScreen(t)
	for name, value := range map[string]string{
		"DISPLAY": s.display, "WAYLAND_DISPLAY": "", "XDG_RUNTIME_DIR": t.TempDir(), "LIBGL_ALWAYS_SOFTWARE": "1",
	} {
		t.Setenv(name, value)
	}
	clitest.CheckUnwritable(t, command)
}

func TestUnusableArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined: -?[2J": {"-\x1b[2J"},
		`"x\n" is no flag; try -help`:          {"x\n"},
		"-detail must be at least 1":           {"-detail", "0"},
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "gui: " + want + "\n"}, clitest.Execute(t, nil, args...))
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}

func TestNoScreen(t *testing.T) {
	for name, value := range map[string]string{"DISPLAY": "", "WAYLAND_DISPLAY": "", "XDG_RUNTIME_DIR": t.TempDir()} {
		t.Setenv(name, value)
	}
	got := clitest.Execute(t, nil)
	assert.Equal(t, cli.StatusFailed, got.Status)
	assert.Regexp(t, `^gui: [^\n]+\n$`, got.Stderr)
}
