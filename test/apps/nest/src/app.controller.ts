import {
  All,
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  HttpException,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Redirect,
  Req,
  Res,
  Session,
  Sse,
  StreamableFile,
  UploadedFiles,
  UseInterceptors,
  type MessageEvent,
  type RawBodyRequest,
} from '@nestjs/common'
import { AnyFilesInterceptor } from '@nestjs/platform-express'
import type { Request, Response } from 'express'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { from, map, type Observable } from 'rxjs'
import * as content from '../../content.mjs'
import { HelloService } from './hello.service'

interface UploadedFile {
  fieldname: string
  originalname: string
  mimetype: string
  buffer: Buffer
}

@Controller()
export class AppController {
  // Injected by type: this needs the metadata that the compiler emits for decorators.
  constructor(private readonly helloService: HelloService) {}

  @Get('hello')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  hello(): string {
    return this.helloService.hello()
  }

  @Get('json')
  json(): object {
    return { framework: 'nest', list: [1, 2, 3], nested: { text: 'caf\u00e9' } }
  }

  @All('echo')
  @HttpCode(200)
  async echo(@Req() request: RawBodyRequest<Request>): Promise<object> {
    const body = request.rawBody ?? (await buffer(request))
    return {
      method: request.method,
      url: request.originalUrl,
      query: request.query,
      headers: request.headers,
      body: body.toString(),
      bytes: body.length,
    }
  }

  @Get('status/:code')
  status(@Param('code', ParseIntPipe) code: number, @Res({ passthrough: true }) response: Response): string {
    response.status(code).type('text/plain')
    return `status ${code}\n`
  }

  @Get('redirect')
  @Redirect('/hello', 302)
  redirect(): void {}

  @Get('cookies')
  cookies(@Res({ passthrough: true }) response: Response): string {
    response.cookie('first', 'one', { httpOnly: true })
    response.cookie('second', 'two words', { sameSite: 'lax', path: '/cookies' })
    return 'cookies\n'
  }

  @Get('cookie-echo')
  cookieEcho(@Req() request: Request): object {
    return request.cookies
  }

  @Get('headers-odd')
  @Header('X-Long', content.LONG_VALUE)
  headersOdd(@Res({ passthrough: true }) response: Response): string {
    response.append('X-Twice', 'one').append('X-Twice', 'two').append('Link', '</a>; rel=preload')
    response.set('X-Latin', content.LATIN_VALUE).set('X-Empty', '')
    return 'odd headers\n'
  }

  @Get('stream')
  stream(): StreamableFile {
    return new StreamableFile(Readable.from(content.chunks(), { objectMode: false }), { type: 'text/plain' })
  }

  @Get('big')
  big(@Query('bytes', ParseIntPipe) bytes: number): StreamableFile {
    return new StreamableFile(Readable.from(content.big(bytes), { objectMode: false }), { length: bytes })
  }

  @Sse('sse')
  sse(): Observable<MessageEvent> {
    return from(content.chunks()).pipe(map((data, index) => ({ id: String(index), type: 'tick', data: { data } })))
  }

  @Get('compressed')
  @Header('Content-Type', 'text/plain')
  compressed(): string {
    return content.LONG_TEXT
  }

  @Post('upload')
  @HttpCode(200)
  @UseInterceptors(AnyFilesInterceptor())
  upload(@UploadedFiles() files: UploadedFile[], @Body() fields: Record<string, string>): object {
    return {
      fields: { ...fields },
      files: files.map((file) => content.describeFile(file.fieldname, file.originalname, file.mimetype, file.buffer)),
    }
  }

  @Get('session')
  session(@Session() session: { count?: number }): object {
    session.count = (session.count ?? 0) + 1
    return { count: session.count }
  }

  @Post('json-body')
  @HttpCode(200)
  jsonBody(@Body() got: unknown): object {
    return { got }
  }

  @Post('form')
  @HttpCode(200)
  form(@Body() got: unknown): object {
    return { got }
  }

  @Get('error')
  error(): never {
    throw new Error('failed on purpose')
  }

  @Get('error-async')
  async errorAsync(): Promise<never> {
    await content.delay(1)
    throw new HttpException('failed on purpose, later', 503)
  }

  @Get('error-late')
  errorLate(): StreamableFile {
    return new StreamableFile(Readable.from(content.fails(), { objectMode: false }), { type: 'text/plain' })
  }

  @Get('slow')
  async slow(@Query('ms', ParseIntPipe) ms: number): Promise<string> {
    await content.delay(ms)
    return 'slow\n'
  }

  @Get('nobody')
  @HttpCode(204)
  nobody(): void {}

  @Get('not-modified')
  @HttpCode(304)
  @Header('ETag', content.ETAG)
  notModified(): void {}

  @Get('ip')
  ip(@Req() request: Request): object {
    return { ip: request.ip, protocol: request.protocol, secure: request.secure }
  }
}
