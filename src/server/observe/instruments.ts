import { PLUGIN_INSTRUMENTS, type Instrument } from '../../observe/instruments.ts'

/** The instruments that only the complete server has. */
export const SERVER_INSTRUMENTS = {
  'oidc_mfa.mail.queue': {
    kind: 'gauge',
    unit: '{mail}',
    description: 'Mails that wait to be sent, over all nodes',
    labels: [],
  },
  'oidc_mfa.mail.queue_known': {
    kind: 'gauge',
    unit: '1',
    description:
      '1 if the storage has told the mails that wait, 0 if it was away or took more than a second',
    labels: [],
  },
  'oidc_mfa.mail.attempts': {
    kind: 'counter',
    unit: '{attempt}',
    description: 'Attempts of this node to send a mail that waited',
    labels: ['outcome'],
  },
  'oidc_mfa.clock.jumps': {
    kind: 'counter',
    unit: '{jump}',
    description: 'Jumps of the clock of this node by ten seconds or more',
    labels: ['direction'],
  },
  'oidc_mfa.sweep.rows': {
    kind: 'counter',
    unit: '{row}',
    description: 'Expired rows that this node has deleted',
    labels: [],
  },
  'oidc_mfa.sweep.backlog_age': {
    kind: 'gauge',
    unit: 's',
    description:
      'Time since the sweep has last left no expired row, or since the start of the process; less than two minutes on a node that leaves it to another',
    labels: [],
  },
  'oidc_mfa.cluster.nodes': {
    kind: 'gauge',
    unit: '{node}',
    description: 'Nodes with a heartbeat in the last minute, as this node sees them',
    labels: [],
  },
  'oidc_mfa.cluster.drift': {
    kind: 'gauge',
    unit: '{setting}',
    description:
      '1 while this node differs in the setting from a node that started earlier, and 0 when that is over',
    labels: ['setting'],
  },
  'nodejs.eventloop.delay.mean': {
    kind: 'gauge',
    unit: 's',
    description: 'Mean delay of the event loop since the last reading',
    labels: [],
  },
  'nodejs.eventloop.delay.p99': {
    kind: 'gauge',
    unit: 's',
    description: 'The delay of the event loop that 99 percent of the samples stay below',
    labels: [],
  },
  'nodejs.eventloop.delay.max': {
    kind: 'gauge',
    unit: 's',
    description: 'Longest delay of the event loop since the last reading',
    labels: [],
  },
} as const satisfies Readonly<Record<string, Instrument>>

/** Every instrument of the server. */
export const INSTRUMENTS: Readonly<Record<string, Instrument>> = {
  ...PLUGIN_INSTRUMENTS,
  ...SERVER_INSTRUMENTS,
}
