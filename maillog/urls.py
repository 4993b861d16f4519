"""Addresses of the e-mail log, below ``/s/<shop>/``."""

from __future__ import annotations

from django.urls import path

from maillog.views import actions, content, log, message, sent_folder

app_name = "maillog"
urlpatterns = [
    path("log/", log.LogView.as_view(), name="log"),
    path("log/send-mended/", actions.SendMended.as_view(), name="send_mended"),
    path("log/<uuid:message>/", message.MessageView.as_view(), name="message"),
    path(
        "log/<uuid:message>/mail/", content.MailFrame.as_view(pictures=False), name="message_html"
    ),
    path(
        "log/<uuid:message>/mail/pictures/",
        content.MailFrame.as_view(pictures=True),
        name="message_pictures",
    ),
    path("log/<uuid:message>/eml/", content.Eml.as_view(), name="message_eml"),
    path("log/<uuid:message>/files/<int:file>/", content.File.as_view(), name="message_file"),
    path("log/<uuid:message>/send-again/", actions.SendAgain.as_view(), name="send_again"),
    path("log/<uuid:message>/try-again/", actions.TryAgain.as_view(), name="try_again"),
    path("log/<uuid:message>/stop/", actions.Stop.as_view(), name="stop"),
    path(
        "accounts/<int:account>/sent-folder/",
        sent_folder.SentFolderView.as_view(),
        name="sent_folder",
    ),
    path(
        "accounts/<int:account>/sent-folder/sync/",
        sent_folder.SyncSentFolder.as_view(),
        name="sync_sent_folder",
    ),
]
