import type { Command } from 'commander'
import { addAuditCommands } from './audit.ts'
import { addBackupCommand } from './backup.ts'
import { addClientCommands } from './client.ts'
import { addCompletionCommand } from './completion.ts'
import { addInitCommand } from './init.ts'
import { addKeyCommands } from './keys.ts'
import { addMailCommands } from './mail.ts'
import { addMaintenanceCommands } from './maintenance.ts'
import { addMigrateCommands } from './migrate.ts'
import { addPolicyCommands } from './policy.ts'
import { addRestoreCommand } from './restore.ts'
import type { Terminal } from './terminal.ts'
import { addUserCommands } from './user.ts'

/** Adds every command except `serve`. */
export function addCommands(program: Command, terminal: Terminal): void {
  addInitCommand(program, terminal)
  addUserCommands(program, terminal)
  addClientCommands(program, terminal)
  addPolicyCommands(program, terminal)
  addKeyCommands(program, terminal)
  addMailCommands(program, terminal)
  addMigrateCommands(program, terminal)
  addMaintenanceCommands(program, terminal)
  addAuditCommands(program, terminal)
  addBackupCommand(program, terminal)
  addRestoreCommand(program, terminal)
  addCompletionCommand(program, terminal)
}
