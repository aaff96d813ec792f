package main

// #cgo pkg-config: egl glesv2
// #include <EGL/egl.h>
// #include <EGL/eglext.h>
// #include <GLES2/gl2.h>
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// display is where EGL has its contexts from: here one without a screen.
type display struct{ handle C.EGLDisplay }

func openDisplay() (d display, err error) {
	return d, call("eglInitialize", func() bool {
		d.handle = C.eglGetPlatformDisplay(C.EGL_PLATFORM_SURFACELESS_MESA, nil, nil)
		return C.eglInitialize(d.handle, nil, nil) == C.EGL_TRUE
	})
}

func (d display) close() error {
	return call("eglTerminate", func() bool { return C.eglTerminate(d.handle) == C.EGL_TRUE })
}

// canvas is a context of OpenGL ES with a picture of one pixel for each stripe.
type canvas struct {
	display display
	surface C.EGLSurface
	context C.EGLContext
}

// newCanvas makes a canvas, which is current nowhere yet.
func (d display) newCanvas(stripes int) (*canvas, error) {
	wanted := []C.EGLint{
		C.EGL_SURFACE_TYPE, C.EGL_PBUFFER_BIT,
		C.EGL_RENDERABLE_TYPE, C.EGL_OPENGL_ES2_BIT,
		C.EGL_RED_SIZE, 8, C.EGL_GREEN_SIZE, 8, C.EGL_BLUE_SIZE, 8, C.EGL_ALPHA_SIZE, 8,
		C.EGL_NONE,
	}
	size := []C.EGLint{C.EGL_WIDTH, C.EGLint(stripes), C.EGL_HEIGHT, 1, C.EGL_NONE}
	version := []C.EGLint{C.EGL_CONTEXT_CLIENT_VERSION, 2, C.EGL_NONE}

	var config C.EGLConfig
	err := call("eglChooseConfig", func() bool {
		var found C.EGLint
		return C.eglChooseConfig(d.handle, &wanted[0], &config, 1, &found) == C.EGL_TRUE && found > 0 //nolint:gocritic // It means what cgo makes of it.
	})
	if err != nil {
		return nil, err
	}
	c := &canvas{display: d}
	err = call("eglCreatePbufferSurface", func() bool {
		c.surface = C.eglCreatePbufferSurface(d.handle, config, &size[0])
		return c.surface != nil
	})
	if err != nil {
		return nil, err
	}
	err = call("eglCreateContext", func() bool {
		c.context = C.eglCreateContext(d.handle, config, nil, &version[0])
		return c.context != nil
	})
	if err != nil {
		return nil, errors.Join(err, c.destroySurface())
	}
	return c, nil
}

// use makes the canvas current on the thread that calls. EGL refuses that if it
// is current on another.
func (c *canvas) use() error {
	return call("eglMakeCurrent", func() bool {
		return C.eglMakeCurrent(c.display.handle, c.surface, c.surface, c.context) == C.EGL_TRUE
	})
}

// close ends the canvas, on the thread where it is current.
func (c *canvas) close() error {
	return errors.Join(
		call("eglReleaseThread", func() bool { return C.eglReleaseThread() == C.EGL_TRUE }),
		call("eglDestroyContext", func() bool {
			return C.eglDestroyContext(c.display.handle, c.context) == C.EGL_TRUE
		}),
		c.destroySurface(),
	)
}

func (c *canvas) destroySurface() error {
	return call("eglDestroySurface", func() bool {
		return C.eglDestroySurface(c.display.handle, c.surface) == C.EGL_TRUE
	})
}

type color struct{ red, green, blue, alpha uint8 }

// fill paints a stripe, on the canvas that is current.
func (c *canvas) fill(stripe int, with color) {
	share := func(n uint8) C.GLfloat { return C.GLfloat(n) / 255 }
	C.glEnable(C.GL_SCISSOR_TEST)
	C.glScissor(C.GLint(stripe), 0, 1, 1)
	C.glClearColor(share(with.red), share(with.green), share(with.blue), share(with.alpha))
	C.glClear(C.GL_COLOR_BUFFER_BIT)
}

// at returns the color of a stripe, on the canvas that is current.
func (c *canvas) at(stripe int) (got color) {
	C.glReadPixels(C.GLint(stripe), 0, 1, 1, C.GL_RGBA, C.GL_UNSIGNED_BYTE, unsafe.Pointer(&got)) //nolint:gocritic // It means what cgo makes of it.
	return got
}

// call calls a function of EGL, and asks what is wrong on the same thread: that is
// where EGL keeps it.
func call(name string, function func() bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if function() {
		return nil
	}
	switch code := C.eglGetError(); code {
	case C.EGL_BAD_ACCESS:
		return fmt.Errorf("%s: EGL_BAD_ACCESS, it is current on another thread", name)
	case C.EGL_NOT_INITIALIZED:
		return fmt.Errorf("%s: EGL_NOT_INITIALIZED, there is no driver for it", name)
	default:
		return fmt.Errorf("%s: error %#x", name, int(code))
	}
}
