import { expect } from 'chai'
import { Writable } from 'node:stream'
import { logStream } from '../../../src/server/observe/log-stream.ts'

/** A reader that takes a line only when it is told to. */
function slowReader(): { out: Writable; lines: string[]; read(): void } {
  const lines: string[] = []
  let ready: (() => void) | undefined
  const out = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      lines.push(chunk)
      ready = done
    },
  })
  return {
    out,
    lines,
    read() {
      const go = ready
      ready = undefined
      go?.()
    },
  }
}

describe('the stream of the log', () => {
  const KIB = 'x'.repeat(1024)

  it('keeps a megabyte for a reader that is slow, drops more, and tells the number when the reader is back', async () => {
    const reader = slowReader()
    const dropped: number[] = []
    const stream = logStream(reader.out, (lines) => dropped.push(lines))
    for (let line = 0; line < 1030; line += 1) stream.write(KIB)
    expect(reader.out.writableLength).to.equal(1025 * 1024)
    expect(dropped).to.deep.equal([])
    while (reader.lines.length < 1025) {
      reader.read()
      await new Promise(setImmediate)
    }
    stream.write('back')
    stream.write('and on')
    expect(dropped).to.deep.equal([5])
    while (reader.lines.at(-1) !== 'and on') {
      reader.read()
      await new Promise(setImmediate)
    }
  })

  it('goes on without a reader that has ended', async () => {
    const out = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
    const stream = logStream(out, () => undefined)
    stream.write('nobody')
    await new Promise(setImmediate)
    stream.write('nobody either')
    expect(out.destroyed).to.equal(true)
    expect(out.listenerCount('error')).to.equal(1)
    logStream(out, () => undefined).write('nor here')
    expect(out.listenerCount('error')).to.equal(1)
  })
})
