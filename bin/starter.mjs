// Watches the process that started this one. Plain JavaScript for every Node from 18 on, like the program beside it.
import { readFileSync } from 'node:fs'
import { clearInterval, setInterval } from 'node:timers'

/** The variable by which a process that hands over to another Node says so to it. */
export const HANDED_OVER = 'OIDC_PROVIDER_MFA_HANDED_OVER'

const LOOK_MILLISECONDS = 500

/**
 * Returns the function that tells a listener when the starter passes a signal on, or has gone; undefined if the starter
 * may go: a shell that has started a server in the background, or a supervisor.
 */
export function starterOf(environment) {
  if (environment[HANDED_OVER] !== undefined && process.channel) {
    delete environment[HANDED_OVER]
    return byChannel
  }
  return startedByNpm(environment) ? byParent : undefined
}

/** The first process of a hand-over passes signals on as messages; the channel closes when it has gone. */
function byChannel(listener) {
  process.on('message', ({ signal }) => {
    if (typeof signal === 'string') listener(signal)
  })
  process.on('disconnect', () => listener('gone'))
  // The channel alone keeps no command running.
  process.channel.unref()
}

/** npm, npx and npm exec set these variables, and other package managers do too. */
function startedByNpm(environment) {
  return 'npm_lifecycle_event' in environment || 'npm_command' in environment
}

/**
 * npm starts a shell, and the shell starts this process. A signal to npm ends both, and no signal comes here. The parent
 * of a process changes when its parent ends, so it is looked at repeatedly.
 */
function byParent(listener) {
  const [parent, npm] = [process.ppid, npmAbove(process.ppid)]
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || npmAbove(parent) === npm)) return
    clearInterval(timer)
    listener('gone')
  }, LOOK_MILLISECONDS)
  timer.unref()
}

/**
 * The parent of npm's shell, which is npm: the shell survives when npm is killed. Undefined if the parent is no shell,
 * or the system does not tell (Linux does).
 */
function npmAbove(parent) {
  try {
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${parent}/stat`, 'utf8'))
    return /^(ba|da|z|k)?sh$/.test(name) ? Number(rest.split(' ')[1]) : undefined
  } catch {
    return undefined
  }
}
