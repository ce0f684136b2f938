import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import compression from 'compression'
import cookieParser from 'cookie-parser'
import session from 'express-session'
import { SESSION_SECRET } from '../../content.mjs'
import { PUBLIC } from '../../static-files.mjs'
import { AppModule } from './app.module'

export async function create(): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { rawBody: true, logger: ['error', 'warn'] })
  app.use('/compressed', compression())
  app.use(cookieParser())
  app.use(session({ name: 'sid', secret: SESSION_SECRET, resave: false, saveUninitialized: false }))
  app.useStaticAssets(PUBLIC, { prefix: '/static/' })
  return app
}
