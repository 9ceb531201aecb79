/**
 * Waits until a look finds something; at once when it does already.
 *
 * @param look - gives what is waited for, or undefined
 * @param watch - calls back whenever it may be worth looking again; returns what stops it
 * @throws the signal's reason when it is aborted first
 */
export function waitFor<Value>(
  look: () => Value | undefined,
  watch: (changed: () => void) => () => void,
  signal?: AbortSignal,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const found = look()
    if (found !== undefined) {
      resolve(found)
      return
    }
    const end = () => {
      stop()
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = () => {
      end()
      reject(signal?.reason)
    }
    const stop = watch(() => {
      const value = look()
      if (value === undefined) return
      end()
      resolve(value)
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
