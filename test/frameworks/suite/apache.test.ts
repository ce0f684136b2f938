import { requires } from '../../support/requirements.ts'
import { everyFramework } from './every-framework.ts'

requires('full', 'apps', 'apache2', 'dist', 'proc').describe('applications of frameworks behind Apache', () => {
  everyFramework('Apache')
})
