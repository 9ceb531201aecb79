import { connect } from 'node:net'
import { Random } from './random.mjs'

/** Streams under way at once. */
const CONCURRENCY = 16
/** Milliseconds in which a listener must be done with a stream whose client has left, and a neighbour be answered. */
const PATIENCE = 10_000
/** Bytes that the process may grow by after it has warmed up. */
const GROWTH = 128 * 1_048_576
const WARM_UP = 5_000

/**
 * Drives streams into a live listener, with a well-behaved neighbour beside them.
 *
 * @param target - `start()` gives `{ port, stop }`; `stream(random)` the pieces of one stream; `neighbour(port)` gives
 *   `{ exchange, close }`, where `exchange` resolves when one message was acknowledged
 * @returns how many streams were driven, the smallest that fails, if any does, and what else was seen
 */
export async function drive({ runs, seed }, target) {
  const strays = []
  const onStray = error => strays.push(error)
  process.on('uncaughtException', onStray)
  process.on('unhandledRejection', onStray)
  const server = await target.start()
  const neighbour = timed(await target.neighbour(server.port))
  const random = new Random(seed)
  let done = 0
  let baseline = 0
  try {
    while (done < runs) {
      const batch = Array.from({ length: Math.min(CONCURRENCY, runs - done) }, () => target.stream(random))
      const error = await attempt(server.port, batch, neighbour, strays)
      if (error !== undefined) return { runs: done, failure: await smallest(batch, error, target) }
      done += batch.length
      if (done >= WARM_UP && baseline === 0) baseline = process.memoryUsage().rss
      if (baseline > 0 && process.memoryUsage().rss - baseline > GROWTH) {
        return { runs: done, failure: { input: [], error: new Error(`grew by more than ${GROWTH} bytes`) } }
      }
    }
    return { runs: done, notes: notes(baseline, neighbour.slowest) }
  } finally {
    neighbour.close()
    await server.stop()
    process.off('uncaughtException', onStray)
    process.off('unhandledRejection', onStray)
  }
}

/** The neighbour, with the longest that it waited for an answer. */
function timed({ exchange, close }) {
  const neighbour = {
    slowest: 0,
    close,
    async exchange() {
      const begin = performance.now()
      await exchange()
      neighbour.slowest = Math.max(neighbour.slowest, performance.now() - begin)
    },
  }
  return neighbour
}

function notes(baseline, slowest) {
  const growth = baseline === 0 ? 0 : (process.memoryUsage().rss - baseline) / 1_048_576
  return `memory ${growth.toFixed(0)} MiB more than after ${WARM_UP} streams; neighbour answered within ${slowest.toFixed(0)} ms`
}

async function attempt(port, batch, neighbour, strays) {
  strays.length = 0
  try {
    await Promise.all([...batch.map(pieces => send(port, pieces)), within(neighbour.exchange(), 'the neighbour waits')])
  } catch (error) {
    return error
  }
  return strays[0]
}

/** Sends the pieces one after the other, leaves, and waits for the listener to be done. */
function send(port, pieces) {
  const closed = new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, async () => {
      for (const piece of pieces) {
        if (socket.destroyed) break
        socket.write(piece)
        await answer(socket)
      }
      socket.end()
    })
    socket.on('error', () => undefined)
    socket.on('close', resolve)
    socket.resume()
  })
  return within(closed, 'a connection stays open although its client has left')
}

/** Waits until the listener has answered, or for long enough if it does not. */
async function answer(socket) {
  const before = socket.bytesRead
  for (let turn = 0; turn < 24 && socket.bytesRead === before; turn += 1) await new Promise(setImmediate)
}

async function within(work, complaint) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(complaint)), PATIENCE)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks for the stream that fails by itself, and leaves out of it what it fails without. */
async function smallest(batch, error, target) {
  for (const pieces of batch) {
    const found = await failsAlone(pieces, target)
    if (found !== undefined) return { input: hex(await shrink(pieces, target)), error: found }
  }
  return { input: batch.map(hex), error }
}

async function shrink(pieces, target) {
  let smallest = Buffer.concat(pieces)
  for (let part = smallest.length >> 1; part > 0; part >>= 1) {
    for (let at = 0; at + part <= smallest.length; ) {
      const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + part)])
      if ((await failsAlone([candidate], target)) === undefined) at += part
      else smallest = candidate
    }
  }
  return [smallest]
}

async function failsAlone(pieces, target) {
  const strays = []
  const onStray = error => strays.push(error)
  process.on('uncaughtException', onStray)
  process.on('unhandledRejection', onStray)
  const server = await target.start()
  const neighbour = await target.neighbour(server.port)
  try {
    return await attempt(server.port, [pieces], neighbour, strays)
  } finally {
    neighbour.close()
    await server.stop()
    process.off('uncaughtException', onStray)
    process.off('unhandledRejection', onStray)
  }
}

function hex(pieces) {
  return pieces.map(piece => piece.toString('hex'))
}
